"""What all tests share."""

from hypothesis import settings

settings.register_profile("dq", deadline=None)  # speed is measured in benchmarks/, never in a test
settings.load_profile("dq")
