/* Where a partition begins and ends, while it is there and while it has no leader, on librdkafka's
 * mock cluster. */
#include "common/kafka/kafka_offsets.h"

#include "common/kafka/kafka_config.h"
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdlib.h>

struct fixture {
    rd_kafka_t *host; /* holds the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_t *client;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char reason[256];
    f->host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason);
    f->cluster = rd_kafka_mock_cluster_new(f->host, 1);
    rd_kafka_mock_topic_create(f->cluster, "items", 1, 1);
    f->client = rd_kafka_new(RD_KAFKA_CONSUMER, rd_kafka_conf_new(), reason, sizeof reason);
    rd_kafka_brokers_add(f->client, rd_kafka_mock_cluster_bootstraps(f->cluster));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rd_kafka_destroy(f->client);
    rd_kafka_mock_cluster_destroy(f->cluster);
    rd_kafka_destroy(f->host);
    free(f);
    return 0;
}

static rd_kafka_resp_err_t query(struct fixture *f, int32_t partition, int timeout_ms)
{
    int64_t low = -1;
    int64_t high = -1;
    rd_kafka_resp_err_t code =
        dw_kafka_query_offsets(f->client, "items", partition, timeout_ms, &low, &high);
    if (!code) {
        assert_int_equal(low, 0);
        assert_int_equal(high, 0);
    }
    return code;
}

static void test_a_partition_that_is_not_there_is_unknown(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(query(f, 0, 30000), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(query(f, 7, 30000), RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);
}

/* As after a broker's stop: the next look may find it. */
static void test_a_partition_without_a_leader_is_there(void **state)
{
    struct fixture *f = *state;
    int64_t offset = 0;
    rd_kafka_mock_partition_set_leader(f->cluster, "items", 0, -1);
    assert_int_equal(dw_kafka_classify(query(f, 0, 1500)), DW_RETRY);
    assert_int_equal(
        dw_kafka_classify(dw_kafka_query_offset_at(f->client, "items", 0, 1000, 1500, &offset)),
        DW_RETRY);
    rd_kafka_mock_partition_set_leader(f->cluster, "items", 0, 1);
    assert_int_equal(query(f, 0, 30000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_partition_that_is_not_there_is_unknown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_partition_without_a_leader_is_there, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
