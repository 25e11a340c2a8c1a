-- In a migration of its own: its lock keeps readers out, too, but is held for an instant, and not taken by somebody who
-- holds another one that they may be waiting for.
DROP INDEX "deliveries_replay_id_idx";
