"""Blue-green: two colours of an application, of which users reach one. See `docs/delivery.md`.

The machine (`states`, pure; `steps`, one conditional write each; `machine`, the loop) takes one
application to a goal; `deliver` and `verbs` are what a release asks of it. Nothing runs in the cluster.
"""
