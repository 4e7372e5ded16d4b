/* How the programs end; repdns-load(8) lists the same. */
#ifndef LOADER_EXITCODE_H
#define LOADER_EXITCODE_H

enum exit_code {
#define EXIT_CODE(id, number, text) EXIT_##id = (number),
#include "loader/exitcode.def"
#undef EXIT_CODE
};

#endif
