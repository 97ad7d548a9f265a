"""The SageMaker pipelines of this project, one folder each."""
