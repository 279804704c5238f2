/* catalogue_state.h - the DW-STATE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
