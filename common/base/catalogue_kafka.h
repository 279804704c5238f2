/* catalogue_kafka.h - the DW-KAFKA-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
