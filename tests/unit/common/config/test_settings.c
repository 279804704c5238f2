/* test_settings.c - dualwrite.json: defaults, precedence, secrets, and what each mistake gets. */
#include "common/config/settings.h"

#include "common/config/document.h"
#include "common/config/settings_options.h"
#include "common/config/text_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
// cmocka.h needs the headers above
#include <cmocka.h>

#define GOOD                                                                                       \
    "\"kafka\":{\"brokers\":\"b:9092\"},\"state\":{\"connection\":\"dbname=s\"},"                  \
    "\"systems\":{\"erp\":{\"connection\":\"dbname=erp\"},\"crm\":{\"connection\":\"dbname=crm\"," \
    "\"capture\":true,\"slot\":\"my_slot\"}},\"reconciler\":{\"token\":\"t\"}"

static struct dw_arena arena;
static char folder[64];
static struct dw_err err;
static struct dw_settings settings;

static const char *write_file(const char *name, const char *text)
{
    const char *path = dw_arena_printf(&arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int setup(void **state)
{
    (void)state;
    dw_arena_init(&arena, 4096);
    (void)snprintf(folder, sizeof folder, "/tmp/dw_settings_XXXXXX");
    dw_err_clear(&err);
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"dualwrite.json", "secret", "empty", "binary"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(dw_arena_printf(&arena, "%s/%s", folder, names[i]));
    (void)rmdir(folder);
    dw_arena_done(&arena);
    return 0;
}

static enum dw_rc load(const char *text)
{
    return dw_settings_load(write_file("dualwrite.json", text), &arena, &settings, &err);
}

static void accept(const char *text)
{
    enum dw_rc rc = load(text);
    if (rc != DW_OK)
        print_error("%s %s\n", err.id, err.message);
    assert_int_equal(rc, DW_OK);
}

/* The text is refused with `id`, and the message holds `part`. */
static void refuse(const char *text, const char *id, const char *part)
{
    assert_int_equal(load(text), DW_CONFIG);
    if (strcmp(err.id, id) != 0 || !strstr(err.message, part))
        print_error("%s: got %s %s\n", text, err.id, err.message);
    assert_string_equal(err.id, id);
    assert_non_null(strstr(err.message, part));
    assert_non_null(dw_err_find(id));
}

static void test_defaults_are_those_of_the_tables(void **state)
{
    (void)state;
    accept("{" GOOD "}");
    assert_string_equal(settings.kafka.topic_prefix, "dualwrite");
    assert_string_equal(settings.kafka.dead_letter_topic, "dualwrite.dead-letters");
    assert_int_equal(settings.kafka.retention_ms, 604800000);
    assert_int_equal(settings.producer.heartbeat_ms, 5000);
    assert_string_equal(settings.producer.compression, "lz4");
    assert_int_equal(settings.consumer.batch_bytes, 4194304);
    assert_int_equal(settings.consumer.session_timeout_ms, 45000);
    assert_string_equal(settings.reconciler.url, "http://127.0.0.1:8085");
    assert_int_equal(settings.log_level, DW_LOG_INFO);
    const struct dw_system_settings *erp = dw_settings_system(&settings, "erp");
    assert_string_equal(erp->slot, "dualwrite_erp");
    assert_string_equal(erp->publication, "dualwrite_erp");
    assert_false(erp->capture);
    assert_null(erp->password);
    const struct dw_system_settings *crm = dw_settings_system(&settings, "crm");
    assert_string_equal(crm->slot, "my_slot");
    assert_true(crm->capture);
    assert_null(dw_settings_system(&settings, "other"));
}

static void test_environment_counts_more_than_the_file(void **state)
{
    (void)state;
    assert_int_equal(setenv("DW_KAFKA_BROKERS", "env:1", 1), 0);
    assert_int_equal(setenv("DW_SYSTEMS_ERP_PASSWORD", "pw", 1), 0);
    assert_int_equal(setenv("DW_CONSUMER_LANES", "3", 1), 0);
    assert_int_equal(setenv("DW_LOG_LEVEL", "debug", 1), 0);
    enum dw_rc rc = load("{" GOOD ",\"consumer\":{\"lanes\":7}}");
    assert_int_equal(setenv("DW_CONSUMER_LANES", "many", 1), 0);
    enum dw_rc bad = dw_settings_load(dw_arena_printf(&arena, "%s/dualwrite.json", folder), &arena,
                                      &(struct dw_settings){.file = NULL}, &err);
    (void)unsetenv("DW_KAFKA_BROKERS");
    (void)unsetenv("DW_SYSTEMS_ERP_PASSWORD");
    (void)unsetenv("DW_CONSUMER_LANES");
    (void)unsetenv("DW_LOG_LEVEL");
    assert_int_equal(rc, DW_OK);
    assert_string_equal(settings.kafka.brokers, "env:1");
    assert_string_equal(dw_settings_system(&settings, "erp")->password, "pw");
    assert_null(dw_settings_system(&settings, "crm")->password);
    assert_int_equal(settings.consumer.lanes, 3);
    assert_int_equal(settings.log_level, DW_LOG_DEBUG);
    assert_int_equal(bad, DW_CONFIG);
    assert_non_null(strstr(err.message, "DW_CONSUMER_LANES"));
}

static void test_option_missing_in_the_file_may_come_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("DW_STATE_CONNECTION", "dbname=x", 1), 0);
    enum dw_rc rc = load("{\"kafka\":{\"brokers\":\"b\"},\"systems\":{},"
                         "\"reconciler\":{\"token\":\"t\"}}");
    (void)unsetenv("DW_STATE_CONNECTION");
    assert_int_equal(rc, DW_OK);
    assert_string_equal(settings.state.connection, "dbname=x");
}

static void test_kafka_properties_may_come_from_the_environment(void **state)
{
    (void)state;
    const char *secret = write_file("secret", "from file\n");
    assert_int_equal(setenv("DW_KAFKA_PROPERTIES_SASL_PASSWORD_FILE", secret, 1), 0);
    assert_int_equal(setenv("DW_KAFKA_PROPERTIES_SASL_USERNAME", "me", 1), 0);
    enum dw_rc rc = load("{\"kafka\":{\"brokers\":\"b\",\"properties\":{\"sasl.username\":\"x\","
                         "\"linger.ms\":1}},\"state\":{\"connection\":\"c\"},\"systems\":{}}");
    struct dw_settings found = settings;
    assert_int_equal(setenv("DW_KAFKA_PROPERTIES_SASL_PASSWORD_FILE", "/gone", 1), 0);
    refuse("{\"kafka\":{\"brokers\":\"b\"}}", "DW-CONFIG-008",
           "environment DW_KAFKA_PROPERTIES_SASL_PASSWORD_FILE");
    (void)unsetenv("DW_KAFKA_PROPERTIES_SASL_PASSWORD_FILE");
    (void)unsetenv("DW_KAFKA_PROPERTIES_SASL_USERNAME");
    assert_int_equal(rc, DW_OK);
    assert_int_equal(found.kafka.property_count, 3);
    bool has_password = false;
    for (size_t i = 0; i < found.kafka.property_count; i++) {
        const struct dw_property *property = &found.kafka.properties[i];
        if (strcmp(property->name, "sasl.username") == 0)
            assert_string_equal(property->value, "me");
        if (strcmp(property->name, "sasl.password") != 0)
            continue;
        has_password = property->secret && strcmp(property->value, "from file") == 0;
    }
    assert_true(has_password);
}

static void test_secret_given_twice_in_the_environment_is_refused(void **state)
{
    (void)state;
    assert_int_equal(setenv("DW_STATE_PASSWORD", "s3cr3t", 1), 0);
    assert_int_equal(setenv("DW_STATE_PASSWORD_FILE", "f", 1), 0);
    refuse("{" GOOD "}", "DW-CONFIG-007",
           "environment DW_STATE_PASSWORD and DW_STATE_PASSWORD_FILE are both set");
    (void)unsetenv("DW_STATE_PASSWORD");
    (void)unsetenv("DW_STATE_PASSWORD_FILE");
    assert_null(strstr(err.message, "s3cr3t"));
}

static void test_secret_file_loses_one_newline(void **state)
{
    (void)state;
    (void)write_file("secret", " pass word\n\n");
    accept("{\"kafka\":{\"brokers\":\"b\",\"properties\":{\"sasl.password_file\":\"secret\","
           "\"security.protocol\":\"SASL_SSL\",\"socket.keepalive.enable\":true,\"x\":10}},"
           "\"state\":{\"connection\":\"c\",\"password_file\":\"secret\"},\"systems\":{},"
           "\"reconciler\":{\"token_file\":\"secret\"}}");
    assert_string_equal(settings.state.password, " pass word\n");
    assert_string_equal(settings.reconciler.token, " pass word\n");
    assert_int_equal(settings.kafka.property_count, 4);
    const struct dw_property *properties = settings.kafka.properties;
    assert_string_equal(properties[0].name, "sasl.password");
    assert_string_equal(properties[0].value, " pass word\n");
    assert_true(properties[0].secret);
    assert_false(properties[1].secret);
    assert_string_equal(properties[2].value, "true");
    assert_string_equal(properties[3].value, "10");
}

static void test_bad_secret_files_are_named_without_their_content(void **state)
{
    (void)state;
    (void)write_file("empty", "\n");
    (void)write_file("binary", "s3cr3t\xff");
    const char *head =
        "{\"kafka\":{\"brokers\":\"b\"},\"systems\":{},\"reconciler\":{\"token\":\"t\"},"
        "\n\"state\":{\"connection\":\"c\",\"password_file\":\"";
    refuse(dw_arena_printf(&arena, "%sgone\"}}", head), "DW-CONFIG-008", "gone");
    assert_non_null(strstr(err.message, ":2: state.password_file"));
    refuse(dw_arena_printf(&arena, "%sempty\"}}", head), "DW-CONFIG-008", "it is empty");
    refuse(dw_arena_printf(&arena, "%sbinary\"}}", head), "DW-CONFIG-008", "not text");
    assert_null(strstr(err.message, "s3cr3t"));
    refuse(dw_arena_printf(&arena, "%s.\"}}", head), "DW-CONFIG-008", "it is a folder");
    refuse(dw_arena_printf(&arena, "%sempty\",\"password\":\"p\"}}", head), "DW-CONFIG-007",
           "one of");
}

static void test_secret_value_is_never_shown(void **state)
{
    (void)state;
    refuse("{\"kafka\":{\"brokers\":\"b\"},\"state\":{\"connection\":4711}}", "DW-CONFIG-004",
           "***");
    assert_null(strstr(err.message, "4711"));
}

static void test_each_mistake_names_place_found_and_allowed(void **state)
{
    (void)state;
    refuse("{" GOOD ",\n\"consumer\":{\"lanes\":0}}", "DW-CONFIG-005",
           ":2: consumer.lanes: found 0, allowed: a whole number from 1 to 64");
    refuse("{" GOOD ",\"consumer\":{\"lanes\":65}}", "DW-CONFIG-005", "found 65");
    refuse("{" GOOD ",\"consumer\":{\"lanes\":1.5}}", "DW-CONFIG-004", "found 1.5");
    refuse("{" GOOD ",\"consumer\":{\"lanes\":\"2\"}}", "DW-CONFIG-004", "found \"2\"");
    refuse("{" GOOD ",\"consumer\":{\"lanes\":99999999999999999999}}", "DW-CONFIG-005", "1 to 64");
    refuse("{" GOOD ",\"consumer\":{\"lanes\":null}}", "DW-CONFIG-004", "instead of null");
    refuse("{" GOOD ",\"consumer\":[]}", "DW-CONFIG-004", "found an array, allowed: an object");
    refuse("{" GOOD ",\"consumer\":{\"lnaes\":1}}", "DW-CONFIG-003", "did you mean \"lanes\"?");
    refuse("{" GOOD ",\"consumers\":{}}", "DW-CONFIG-003", "did you mean \"consumer\"?");
    refuse("{" GOOD ",\"consumer\":{\"lanes_file\":\"x\"}}", "DW-CONFIG-003", "lanes_file");
    refuse("{" GOOD ",\"producer\":{\"compression\":\"lz5\"}}", "DW-CONFIG-006", "\"lz4\"");
    refuse("{" GOOD ",\"producer\":{\"compression\":4}}", "DW-CONFIG-004", "\"lz4\"");
    refuse("{" GOOD ",\"producer\":{\"listen\":\"8080\"}}", "DW-CONFIG-005", "HOST:PORT");
    refuse("{" GOOD ",\"log\":{\"level\":\"loud\"}}", "DW-CONFIG-006", "\"debug\"");
    refuse("{" GOOD ",}", "DW-CONFIG-002", ":1:");
    refuse("{" GOOD ",\"kafka\":{}}", "DW-CONFIG-002", "twice");
    refuse("[]", "DW-CONFIG-004", "an object");
    refuse("{\"kafka\":{}}", "DW-CONFIG-009", "DW_KAFKA_BROKERS");
    refuse("{\"kafka\":{\"brokers\":\"\"}}", "DW-CONFIG-005", "not empty");
    refuse("{\"kafka\":{\"brokers\":\"b\",\"topic_prefix\":\"A b\"}}", "DW-CONFIG-005",
           "lower-case");
    refuse("{\"kafka\":{\"brokers\":\"b\",\"properties\":{\"a\":[]}}}", "DW-CONFIG-004",
           "properties.a");
    refuse("{\"kafka\":{\"brokers\":\"b\",\"properties\":7}}", "DW-CONFIG-004", "an object");
}

static void test_tokens_by_name(void **state)
{
    (void)state;
    static const char head[] = "{\"kafka\":{\"brokers\":\"b\"},\"systems\":{},\"state\":"
                               "{\"connection\":\"c\"},\"tokens\":";
    (void)write_file("secret", "watch me\n");
    accept(dw_arena_printf(&arena,
                           "%s{\"board\":{\"token_file\":\"secret\"},"
                           "\"ops\":{\"token\":\"x\",\"role\":\"operator\"}}}",
                           head));
    assert_int_equal(settings.token_count, 2);
    assert_string_equal(settings.tokens[0].name, "board");
    assert_string_equal(settings.tokens[0].token, "watch me");
    assert_int_equal(settings.tokens[0].role, DW_TOKEN_VIEWER);
    assert_int_equal(settings.tokens[1].role, DW_TOKEN_OPERATOR);
    refuse(dw_arena_printf(&arena, "%s[]}", head), "DW-CONFIG-004", "tokens");
    refuse(dw_arena_printf(&arena, "%s{\"a\":{}}}", head), "DW-CONFIG-009", "tokens.a.token");
    refuse(dw_arena_printf(&arena, "%s{\"a\":{\"token\":\"x\",\"role\":\"root\"}}}", head),
           "DW-CONFIG-006", "\"admin\"");
    refuse(dw_arena_printf(&arena, "%s{\"admin\":{\"token\":\"x\"}}}", head), "DW-CONFIG-005",
           "reconciler.token");
    refuse(dw_arena_printf(&arena, "%s{\"A b\":{\"token\":\"x\"}}}", head), "DW-CONFIG-005", "A b");
}

static void test_mistakes_in_systems(void **state)
{
    (void)state;
    const char *head =
        "{\"kafka\":{\"brokers\":\"b\"},\"state\":{\"connection\":\"c\"},\"systems\":";
    refuse("{\"kafka\":{\"brokers\":\"b\"},\"state\":{\"connection\":\"c\"}}", "DW-CONFIG-009",
           "systems");
    refuse(dw_arena_printf(&arena, "%s[]}", head), "DW-CONFIG-004", "an object");
    refuse(dw_arena_printf(&arena, "%s{\"Erp\":{}}}", head), "DW-CONFIG-005", "\"Erp\"");
    refuse(dw_arena_printf(&arena, "%s{\"erp\":{}}}", head), "DW-CONFIG-009",
           "DW_SYSTEMS_ERP_CONNECTION");
    refuse(dw_arena_printf(&arena, "%s{\"erp\":{\"connection\":\"c\",\"kind\":\"oracle\"}}}", head),
           "DW-CONFIG-006", "\"postgres\"");
    refuse(
        dw_arena_printf(&arena, "%s{\"erp\":{\"connection\":\"c\",\"slot\":\"My-Slot\"}}}", head),
        "DW-CONFIG-005", "systems.erp.slot");
}

static void test_missing_file_is_named(void **state)
{
    (void)state;
    assert_int_equal(dw_settings_load("/nowhere/dualwrite.json", &arena, &settings, &err),
                     DW_CONFIG);
    assert_string_equal(err.id, "DW-CONFIG-001");
    assert_non_null(strstr(err.message, "/nowhere/dualwrite.json"));
}

static void test_listen_forms(void **state)
{
    (void)state;
    static const char *const good[] = {"", "0.0.0.0:0", "127.0.0.1:8085", "[::1]:80",
                                       "host.name:65535"};
    static const char *const bad[] = {"x",      "x:",      ":8085", "x:65536",
                                      "::1:80", "[::1:80", "x:8x",  "x:-1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        accept(dw_arena_printf(&arena, "{" GOOD ",\"consumer\":{\"listen\":\"%s\"}}", good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(dw_arena_printf(&arena, "{" GOOD ",\"consumer\":{\"listen\":\"%s\"}}", bad[i]),
               "DW-CONFIG-005", "HOST:PORT");
}

/* --- what is printed from the tables --------------------------------------------------------- */

static char *printed(void (*print)(FILE *))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_schema_file_is_what_the_tables_give(void **state)
{
    (void)state;
    struct dw_str file;
    char *schema = printed(dw_settings_print_schema);
    assert_null(dw_text_file_read("common/config/dualwrite.schema.json", 1 << 20, &arena, &file));
    assert_string_equal(schema, file.ptr);
    free(schema);
}

static void test_schema_has_every_option(void **state)
{
    (void)state;
    const struct dw_node *root;
    struct dw_document_fault fault;
    char *schema = printed(dw_settings_print_schema);
    assert_int_equal(dw_document_parse(dw_str_from(schema), &arena, &root, &fault), DW_OK);
    for (int s = 0; s < DW_SETTINGS_SECTIONS; s++) {
        const struct dw_option_section *section = dw_settings_options((enum dw_settings_section)s);
        const struct dw_node *node =
            dw_document_member(dw_document_member(root, "properties"), section->name);
        if (dw_settings_options_named((enum dw_settings_section)s))
            node = dw_document_member(node, "additionalProperties");
        const struct dw_node *properties = dw_document_member(node, "properties");
        for (size_t i = 0; i < section->count; i++)
            assert_non_null(dw_document_member(properties, section->options[i].name));
    }
    free(schema);
}

static void print_all_help(FILE *out)
{
    dw_settings_print_help(out, NULL);
}

static void print_producer_help(FILE *out)
{
    dw_settings_print_help(out, "producer");
}

static void test_help_and_reference_show_options(void **state)
{
    (void)state;
    char *help = printed(print_all_help);
    char *part = printed(print_producer_help);
    char *reference = printed(dw_settings_print_reference);
    assert_non_null(strstr(help, "consumer.lanes  (1 to 64; default 2)"));
    assert_non_null(strstr(part, "producer.linger_ms"));
    assert_null(strstr(part, "consumer.lanes"));
    assert_non_null(strstr(reference, "| `systems.NAME.password` |"));
    assert_non_null(strstr(reference, "`DW_SYSTEMS_NAME_PASSWORD`"));
    free(help);
    free(part);
    free(reference);
}

/* Every default is a value that its own option allows. */
static void test_defaults_are_allowed(void **state)
{
    (void)state;
    for (int s = 0; s < DW_SETTINGS_SECTIONS; s++) {
        const struct dw_option_section *section = dw_settings_options((enum dw_settings_section)s);
        for (size_t i = 0; i < section->count; i++) {
            const struct dw_option *option = &section->options[i];
            if (option->type != DW_OPTION_INTEGER)
                continue;
            long long number = strtoll(option->fallback, NULL, 10);
            assert_true(number >= option->min && number <= option->max);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults_are_those_of_the_tables),
        TEST(test_environment_counts_more_than_the_file),
        TEST(test_option_missing_in_the_file_may_come_from_the_environment),
        TEST(test_kafka_properties_may_come_from_the_environment),
        TEST(test_secret_given_twice_in_the_environment_is_refused),
        TEST(test_secret_file_loses_one_newline),
        TEST(test_bad_secret_files_are_named_without_their_content),
        TEST(test_secret_value_is_never_shown),
        TEST(test_each_mistake_names_place_found_and_allowed),
        TEST(test_tokens_by_name),
        TEST(test_mistakes_in_systems),
        TEST(test_missing_file_is_named),
        TEST(test_listen_forms),
        TEST(test_schema_file_is_what_the_tables_give),
        TEST(test_schema_has_every_option),
        TEST(test_help_and_reference_show_options),
        TEST(test_defaults_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
