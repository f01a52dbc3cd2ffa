#pragma once

/* The program that argv[1] names; without any, a web server on port 80. */
int program_main(int argc, char **argv);
