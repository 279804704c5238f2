/* catalogue_value.h - the DW-VALUE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
