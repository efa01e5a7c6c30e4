"""What leaves the pipeline: values from outside made inert for where they go, and files written whole."""
