/* catalogue_config.h - the DW-CONFIG-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-CONFIG-001", "configuration file cannot be read",
    "The file named by --config, $DW_CONFIG or ./dualwrite.json is missing or may not be read.",
    "Name the right file, or give the process's user the right to read it.")
DW_ERR_ENTRY("DW-CONFIG-002", "configuration is not JSON",
    "The text breaks JSON's rules at the line and column named, or a member is given twice.",
    "Correct that place; JSON has no comments and no comma behind the last member.")
DW_ERR_ENTRY("DW-CONFIG-003", "unknown member",
    "The configuration holds a member that no option has.",
    "Correct its spelling, or remove it; --help lists all options.")
DW_ERR_ENTRY("DW-CONFIG-004", "value of a wrong type",
    "An option has text where a number belongs, or the like.",
    "Give a value of the type that the message names.")
DW_ERR_ENTRY("DW-CONFIG-005", "value out of range",
    "An option has a value outside what it allows.",
    "Give a value inside the range that the message names.")
DW_ERR_ENTRY("DW-CONFIG-006", "unknown choice",
    "An option has a value that is none of its choices.",
    "Give one of the choices that the message names.")
DW_ERR_ENTRY("DW-CONFIG-007", "secret given twice",
    "A secret is given both by itself and as NAME_file.",
    "Remove one of the two.")
DW_ERR_ENTRY("DW-CONFIG-008", "secret file cannot be used",
    "A file named by NAME_file cannot be read, is empty, or is not text.",
    "Create the file with the secret in it, readable by the process's user alone.")
DW_ERR_ENTRY("DW-CONFIG-009", "option missing",
    "An option without a default is neither in the file nor in the environment.",
    "Set it in the file, or by the environment variable that the message names.")
/* clang-format on */
