/* Words of observations. See observation.h. */
#include "loader/observation.h"

const char *
obs_spf_text(enum obs_spf spf)
{
    static const char *const texts[OBS_SPF_COUNT] = {[OBS_SPF_UNSEEN] = "unseen",
        [OBS_SPF_NONE] = "none",
        [OBS_SPF_NEUTRAL] = "neutral",
        [OBS_SPF_PASS] = "pass",
        [OBS_SPF_FAIL] = "fail",
        [OBS_SPF_SOFTFAIL] = "softfail",
        [OBS_SPF_PERMERROR] = "permerror",
        [OBS_SPF_TEMPERROR] = "temperror"};

    return texts[spf];
}
