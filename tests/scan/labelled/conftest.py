"""The labelled code is data of the tests of `runledger scan`; none of it is a test to run."""

collect_ignore_glob = ["*"]
