-- grain: one row per sign of an infant and day on which it was seen
-- key: subject_key, code, age_days
-- A sign runs from the day it is seen until the next day on which it is reported resolved or absent.
SELECT
    subject_key,
    site,
    code,
    sign_class,
    age_days,
    age_months,
    onset_age_days,
    absent_after_age_days AS gone_age_days,
    study_day,
    record_key
FROM research.sign_looks
WHERE is_present
