"""How every derived table is made: transform, contract and reach, bound together."""
