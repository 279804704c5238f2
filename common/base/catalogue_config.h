/* catalogue_config.h - the DW-CONFIG-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
