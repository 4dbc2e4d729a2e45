"""Whether an answer says nothing that its cited text does not say."""
