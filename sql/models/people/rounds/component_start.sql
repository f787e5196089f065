-- Before the first round every node is its own root.
select hi as label_key, hi as root from component_edges
union
select lo as label_key, lo as root from component_edges
