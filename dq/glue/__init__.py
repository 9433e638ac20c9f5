"""The call that Glue jobs make, `EvaluateDataQuality`, on a laptop: same parameters, same frames.

`awsgluedq` and `awsglue`, which job scripts import, are small packages of this distribution that stand aside where the
real ones are. Source: AWS Glue developer guide, EvaluateDataQuality; REFERENCE F.2 to F.7.
"""
