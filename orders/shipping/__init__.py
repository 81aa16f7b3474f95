"""Parcels: what a carrier asks for them, the labels it makes, and whether they have arrived.

`carriers` asks the carrier and `wire` reads what it answers; `labels` is what clients ask for, and
`attending` what the jobs do about it.
"""
