"""An external tracker: somebody else sees where the robots are. Results made with one are labelled so."""

LABEL = "with external tracker"
