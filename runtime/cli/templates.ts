import { amountOf } from "../amount.ts";
import { hostSettings } from "../container/settings/host.ts";
import { listTemplates, type TemplateEntry } from "../container/warm/all-templates.ts";
import { isTemplateName, removeTemplate } from "../container/warm/templates.ts";
import { UnikrunError } from "../error.ts";
import { storeFolder } from "../places.ts";
import { print } from "./print.ts";
import { ownContainer, type Verb, wantsJson } from "./verb.ts";

export const run: Verb = async (call) => {
  const { flags, args } = call;
  const id = flags.string("keep");
  if (id !== undefined) return keep(call, id);
  const store = flags.string("store") ?? storeFolder((await hostSettings()).store);
  const all = listTemplates(store);
  const unknown = args.find((name) => !isTemplateName(name) || all.every((each) => each.name !== name));
  if (unknown !== undefined)
    throw new UnikrunError(
      `There is no template ${JSON.stringify(unknown)} in ${store}: see unikrun templates.`,
    );
  const chosen = args.length > 0 ? all.filter(({ name }) => args.includes(name)) : all;
  if (flags.boolean("remove")) for (const { name } of chosen) removeTemplate(store, name);
  else if (wantsJson(call)) print(JSON.stringify(chosen.map(facts), null, 2));
  else if (chosen.length > 0) print(chosen.map(line).join("\n"));
};

async function keep(call: Parameters<Verb>[0], id: string): Promise<void> {
  const container = ownContainer({ ...call, args: [id] });
  if (!container)
    throw new UnikrunError(`Container ${id} is no unikernel, so it can't be kept as a template.`);
  const { keepTemplate } = await import("../container/warm/keep.ts");
  await keepTemplate(call.root, container);
}

const facts = ({ name, bytes, used, template }: TemplateEntry) => ({
  name,
  bytes,
  used: new Date(used).toISOString(),
  kernel: template?.kernel ?? null,
  container: template?.container ?? null,
});

const line = ({ name, bytes, used, template }: TemplateEntry): string =>
  [
    name,
    amountOf(bytes).padStart(12),
    new Date(used).toISOString(),
    template ? `${template.kernel} of ${template.container}` : "damaged",
  ].join("  ");
