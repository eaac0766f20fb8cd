/*
 * commands.h - the subcommands, one a file. argv[0] is the subcommand's name;
 * the answer is the exit status.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

int mli_tool_convert(int argc, char **argv);
int mli_tool_info(int argc, char **argv);
int mli_tool_run(int argc, char **argv);
int mli_tool_bench(int argc, char **argv);
int mli_tool_profile(int argc, char **argv);
int mli_tool_formats(int argc, char **argv);

#endif
