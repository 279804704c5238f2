/* catalogue_pg.h - the DW-PG-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
