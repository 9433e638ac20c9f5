"""`from awsgluedq.transforms import EvaluateDataQuality`."""

from dq.glue.transform import EvaluateDataQuality

__all__ = ["EvaluateDataQuality"]
