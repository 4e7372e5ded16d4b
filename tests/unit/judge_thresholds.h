/* For the tests of judging: the thresholds that both those of the rules and those over histories
 * have. */
#ifndef TESTS_UNIT_JUDGE_THRESHOLDS_H
#define TESTS_UNIT_JUDGE_THRESHOLDS_H

/* Of a struct policy's initializer. */
#define JUDGE_THRESHOLDS                                                                           \
    .retention_days = 90, .score_threshold = 25, .half_life_days = 7, .list_sessions = 3,          \
    .list_days = 2, .complaints = 5, .churn_names = 8, .shared_clients = 10,                       \
    .fail_habit_domains = 5, .min_sessions = 5

#endif
