//! Which replicas move when a node is to have none, or when all nodes are to have as many.

use std::collections::BTreeMap;

/// A node that can take replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `node.id`
    pub node_id: i32,
    /// Where it stands.
    pub rack: Option<String>,
}

/// The replicas of a partition, the preferred leader first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The topic's name.
    pub topic: String,
    /// Index of the partition.
    pub partition: i32,
    /// Node ids.
    pub replicas: Vec<i32>,
}

/// There is no node for a replica.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "partition {partition} of '{topic}' has {replicas} replicas, and there are {nodes} other nodes that run: start another one first"
)]
pub struct NoRoom {
    /// The topic's name.
    pub topic: String,
    /// Index of the partition.
    pub partition: i32,
    /// How many replicas it has.
    pub replicas: usize,
    /// How many nodes could have one.
    pub nodes: usize,
}

/// New replicas for those partitions that have one on `node_id`: another node takes its place, in a rack that has none of the partition if there is one, and else
/// the one that has least to do.
///
/// # Errors
/// A partition has a replica on every node there is.
pub fn drain(nodes: &[Target], partitions: &[Placed], node_id: i32) -> Result<Vec<Placed>, NoRoom> {
    vacate(nodes, partitions, node_id, None)
}

/// The same, with `substitute` in the place of `node_id` wherever it has no replica yet.
///
/// # Errors
/// A partition has a replica on every node there is.
pub fn replace(
    nodes: &[Target],
    partitions: &[Placed],
    node_id: i32,
    substitute: i32,
) -> Result<Vec<Placed>, NoRoom> {
    vacate(nodes, partitions, node_id, Some(substitute))
}

fn vacate(
    nodes: &[Target],
    partitions: &[Placed],
    node_id: i32,
    preferred: Option<i32>,
) -> Result<Vec<Placed>, NoRoom> {
    let nodes: Vec<Target> = nodes.iter().filter(|node| node.node_id != node_id).cloned().collect();
    let mut load = Load::of(&nodes, partitions);
    let mut moved = Vec::new();
    for placed in partitions {
        let Some(place) = placed.replicas.iter().position(|replica| *replica == node_id) else { continue };
        let preferred = preferred.filter(|node| !placed.replicas.contains(node));
        let Some(substitute) = preferred.or_else(|| load.substitute(&nodes, placed, place)) else {
            let Placed { topic, partition, replicas } = placed.clone();
            return Err(NoRoom { topic, partition, replicas: replicas.len(), nodes: nodes.len() });
        };
        let mut next = placed.clone();
        next.replicas[place] = substitute;
        load.exchange(node_id, substitute, place);
        moved.push(next);
    }
    Ok(moved)
}

/// New replicas for as many partitions as must move so that no node has two replicas, or is the preferred leader of two partitions, more than another one that could have
/// them. A move never puts more replicas of a partition in one rack.
pub fn spread(nodes: &[Target], partitions: &[Placed]) -> Vec<Placed> {
    let mut load = Load::of(nodes, partitions);
    let mut next = partitions.to_vec();
    while let Some((at, place, substitute)) = load.move_of_a_replica(nodes, &next) {
        load.exchange(next[at].replicas[place], substitute, place);
        next[at].replicas[place] = substitute;
    }
    while let Some((at, place)) = load.move_of_a_leader(&next) {
        let replicas = &mut next[at].replicas;
        load.lead(replicas[0], replicas[place]);
        replicas.swap(0, place);
    }
    next.into_iter().zip(partitions).filter(|(next, before)| next != *before).map(|(next, _)| next).collect()
}

/// What each node has to do.
struct Load {
    replicas: BTreeMap<i32, usize>,
    leaders: BTreeMap<i32, usize>,
}

impl Load {
    /// Nodes that cannot take replicas are not counted.
    fn of(nodes: &[Target], partitions: &[Placed]) -> Self {
        let none = || nodes.iter().map(|node| (node.node_id, 0)).collect::<BTreeMap<i32, usize>>();
        let (mut replicas, mut leaders) = (none(), none());
        for placed in partitions {
            for (place, replica) in placed.replicas.iter().enumerate() {
                replicas.entry(*replica).and_modify(|count| *count += 1);
                leaders.entry(*replica).and_modify(|count| *count += usize::from(place == 0));
            }
        }
        Self { replicas, leaders }
    }

    fn substitute(&self, nodes: &[Target], placed: &Placed, place: usize) -> Option<i32> {
        let free = nodes.iter().filter(|node| !placed.replicas.contains(&node.node_id));
        let cost = |node: &&Target| {
            let leaders = if place == 0 { self.leaders[&node.node_id] } else { 0 };
            (in_rack(nodes, placed, place, node), leaders, self.replicas[&node.node_id], node.node_id)
        };
        free.min_by_key(cost).map(|node| node.node_id)
    }

    /// The partition, the place among its replicas, and who takes it over: from the node that has most, to the one that has least.
    fn move_of_a_replica(&self, nodes: &[Target], partitions: &[Placed]) -> Option<(usize, usize, i32)> {
        let mut pairs: Vec<(usize, i32, &Target)> = Vec::new();
        for (from, most) in &self.replicas {
            for to in nodes {
                let gain = most.saturating_sub(self.replicas[&to.node_id]);
                if gain > 1 {
                    pairs.push((gain, *from, to));
                }
            }
        }
        pairs.sort_by_key(|(gain, from, to)| (std::cmp::Reverse(*gain), *from, to.node_id));
        pairs.into_iter().find_map(|(_, from, to)| {
            let rack_of = |id: i32| nodes.iter().find(|node| node.node_id == id);
            let found = partitions.iter().enumerate().filter_map(|(at, placed)| {
                let place = placed.replicas.iter().position(|replica| *replica == from)?;
                let present = rack_of(from).map_or(usize::MAX, |node| in_rack(nodes, placed, place, node));
                let may =
                    !placed.replicas.contains(&to.node_id) && in_rack(nodes, placed, place, to) <= present;
                may.then_some((place == 0, at, place))
            });
            // Followers first: their moving disturbs nobody.
            found.min().map(|(_, at, place)| (at, place, to.node_id))
        })
    }

    /// The partition, and the place of the replica that should lead it instead.
    fn move_of_a_leader(&self, partitions: &[Placed]) -> Option<(usize, usize)> {
        let gain = |placed: &Placed, place: usize| {
            let count = |id: &i32| self.leaders.get(id).copied();
            let (from, to) = (count(&placed.replicas[0])?, count(&placed.replicas[place])?);
            (from > to + 1).then(|| from - to)
        };
        let candidates = partitions.iter().enumerate().flat_map(|(at, placed)| {
            (1..placed.replicas.len()).filter_map(move |place| Some((gain(placed, place)?, at, place)))
        });
        candidates
            .max_by_key(|(gain, at, _)| (*gain, std::cmp::Reverse(*at)))
            .map(|(_, at, place)| (at, place))
    }

    fn exchange(&mut self, from: i32, to: i32, place: usize) {
        self.replicas.entry(from).and_modify(|count| *count -= 1);
        self.replicas.entry(to).and_modify(|count| *count += 1);
        if place == 0 {
            self.lead(from, to);
        }
    }

    fn lead(&mut self, from: i32, to: i32) {
        self.leaders.entry(from).and_modify(|count| *count -= 1);
        self.leaders.entry(to).and_modify(|count| *count += 1);
    }
}

/// How many of the other replicas stand in the rack of `node`. Where nobody says where it stands, none does.
fn in_rack(nodes: &[Target], placed: &Placed, place: usize, node: &Target) -> usize {
    let Some(rack) = &node.rack else { return 0 };
    let others = placed.replicas.iter().enumerate().filter(|(other, _)| *other != place);
    let stands_there =
        |id: i32| nodes.iter().any(|node| node.node_id == id && node.rack.as_ref() == Some(rack));
    others.filter(|(_, id)| stands_there(**id)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nodes(racks: &[&str]) -> Vec<Target> {
        let rack = |rack: &str| Some(rack.to_owned()).filter(|rack| !rack.is_empty());
        (1..).zip(racks).map(|(node_id, name)| Target { node_id, rack: rack(name) }).collect()
    }

    fn placed(replicas: &[&[i32]]) -> Vec<Placed> {
        let one = |(partition, replicas): (i32, &&[i32])| Placed {
            topic: "t".into(),
            partition,
            replicas: replicas.to_vec(),
        };
        (0..).zip(replicas).map(one).collect()
    }

    fn replicas(moved: &[Placed]) -> Vec<(i32, &[i32])> {
        moved.iter().map(|placed| (placed.partition, &placed.replicas[..])).collect()
    }

    #[test]
    fn whoever_has_least_to_do_takes_the_place() {
        let partitions = placed(&[&[1, 2], &[2, 3], &[2, 3], &[3, 1]]);
        let moved = drain(&nodes(&["", "", "", ""]), &partitions, 1).unwrap();
        assert_eq!(replicas(&moved), [(0, &[4, 2][..]), (3, &[3, 4])]);
    }

    #[test]
    fn a_rack_that_has_none_goes_first() {
        let partitions = placed(&[&[1, 2], &[3]]);
        let moved = drain(&nodes(&["a", "b", "a", "b"]), &partitions, 1).unwrap();
        assert_eq!(replicas(&moved), [(0, &[3, 2][..])], "4 has less to do, but stands where 2 does");
    }

    #[test]
    fn a_substitute_takes_every_place_where_it_has_none() {
        for (partitions, expected) in [
            (placed(&[&[1, 2], &[2, 3], &[3, 1]]), vec![(0, vec![5, 2]), (2, vec![3, 5])]),
            (placed(&[&[2, 3]]), vec![]),
            (placed(&[&[1, 5], &[1, 2, 3]]), vec![(0, vec![3, 5]), (1, vec![5, 2, 3])]),
            (placed(&[&[5, 1], &[2, 3], &[2, 4]]), vec![(0, vec![5, 3])]),
        ] {
            let moved = replace(&nodes(&["a", "b", "a", "b", "b"]), &partitions, 1, 5).unwrap();
            let moved: Vec<_> = moved.into_iter().map(|one| (one.partition, one.replicas)).collect();
            assert_eq!(moved, expected, "{partitions:?}");
        }
        let everywhere = placed(&[&[1, 2]]);
        assert!(replace(&nodes(&["", ""]), &everywhere, 1, 2).is_err(), "the other replica is there already");
    }

    #[test]
    fn there_must_be_another_node() {
        let refused = drain(&nodes(&["", ""]), &placed(&[&[1, 2]]), 2).unwrap_err().to_string();
        assert!(refused.contains("has 2 replicas") && refused.contains("1 other nodes"), "{refused}");
    }

    #[test]
    fn a_new_node_gets_its_share() {
        let partitions = placed(&[&[1, 2], &[2, 1], &[1, 2], &[2, 1], &[1, 2], &[2, 1]]);
        let moved = spread(&nodes(&["", "", ""]), &partitions);
        assert!(moved.len() <= 6);
        let mut after = partitions;
        moved.into_iter().for_each(|one| {
            let at = usize::try_from(one.partition).unwrap();
            after[at] = one;
        });
        let load = Load::of(&nodes(&["", "", ""]), &after);
        assert_eq!(load.replicas.into_values().collect::<Vec<_>>(), [4, 4, 4]);
        assert_eq!(load.leaders.into_values().collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(spread(&nodes(&["", "", ""]), &after), [], "once is enough");
    }

    proptest! {
        #[test]
        fn whatever_moves_stays_a_set_of_nodes_and_ends(
            all in prop::collection::vec(
                proptest::sample::subsequence(vec![1, 2, 3, 4, 5], 1..=3).prop_shuffle(), 0..20),
            racks in prop::collection::vec(prop::sample::select(vec!["", "a", "b"]), 5),
            gone in 1..=5i32,
        ) {
            let all: Vec<&[i32]> = all.iter().map(Vec::as_slice).collect();
            let (nodes, partitions) = (nodes(&racks), placed(&all));
            let drained = drain(&nodes, &partitions, gone).unwrap();
            let held = partitions.iter().filter(|placed| placed.replicas.contains(&gone)).count();
            prop_assert_eq!(drained.len(), held);
            let spread = spread(&nodes, &partitions);
            for placed in drained.iter().chain(&spread) {
                let before = &partitions[usize::try_from(placed.partition).unwrap()];
                let distinct: std::collections::BTreeSet<_> = placed.replicas.iter().collect();
                prop_assert_eq!(distinct.len(), before.replicas.len());
            }
            prop_assert!(drained.iter().all(|placed| !placed.replicas.contains(&gone)));
        }
    }
}
