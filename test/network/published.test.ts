/** Published ports of Docker Swarm's services, whose rules a guest's frames never meet: what gets to its card, and from it to others. */
import { readSync, writeSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
