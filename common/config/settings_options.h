/* settings_options.h - the option tables of dualwrite.json, one per section. */
#ifndef DW_CONFIG_SETTINGS_OPTIONS_H
#define DW_CONFIG_SETTINGS_OPTIONS_H
#include "common/config/option.h"
#include <stdbool.h>

enum dw_settings_section {
    DW_SETTINGS_KAFKA,
    DW_SETTINGS_STATE,
    DW_SETTINGS_SYSTEM, /* each member of "systems" */
    DW_SETTINGS_PRODUCER,
    DW_SETTINGS_CONSUMER,
    DW_SETTINGS_RECONCILER,
    DW_SETTINGS_TOKEN, /* each member of "tokens" */
    DW_SETTINGS_ALERTS,
    DW_SETTINGS_DIGEST,
    DW_SETTINGS_WEBHOOK, /* each member of "webhooks" */
    DW_SETTINGS_LOG,
    DW_SETTINGS_SECTIONS
};

/* Field of the section "log", which is no struct of its own. */
struct dw_log_settings {
    int level; /* enum dw_log_level */
};

/* A section whose members are objects with these options, by a name: systems, tokens, webhooks. */
bool dw_settings_options_named(enum dw_settings_section section);

/* DW_SETTINGS_SECTIONS of them. Static. */
const struct dw_option_section *dw_settings_options(enum dw_settings_section section);

#endif
