"""What the cache does, counted for `/metrics`, over all workers."""

from prometheus_client import Counter, Gauge, Histogram

_answers = Counter(
    "shelfwise_cache_answers", "Answers of cached views, by where they came from", ["found"]
)
HITS, MISSES, BYPASSES = (_answers.labels(found) for found in ("hit", "miss", "bypass"))

BUILD_SECONDS = Histogram(
    "shelfwise_cache_build_seconds",
    "Time to make an answer that is then kept",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
RENEWALS = Counter(
    "shelfwise_cache_renewals", "Generations renewed, after a commit or by hand", ["shown"]
)
RENEWALS_LOST = Counter(
    "shelfwise_cache_renewals_lost", "Renewals that did not reach the cache at once"
)
BREAKERS_OPEN = Gauge(
    "shelfwise_cache_breakers_open",
    "Workers that go without the cache now",
    multiprocess_mode="livesum",
)
