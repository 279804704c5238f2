/* catalogue_api.h - the DW-API-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
