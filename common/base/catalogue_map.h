/* catalogue_map.h - the DW-MAP-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
