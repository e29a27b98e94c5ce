--  readable_from: 4
--  functions: 701c4ce1d19b348e26c98d0f01d314ba
--
--  What the HTTP API lists, searches, writes once and erases. Programs of schemas 4 and 5 run
--  beside those of this one.

--  Finished work is listed, and forgotten, app by app; dead letters, and deliveries that wait, are
--  found without a look at the rest.
DROP INDEX work_item_finished;
CREATE INDEX work_item_finished ON work_item (app, finished_at, number) WHERE state > 1;
CREATE INDEX work_item_dead ON work_item (app, finished_at, number) WHERE state = 3;
CREATE INDEX work_item_waiting ON work_item (app, created_at, number)
    WHERE kind = 2 AND state < 2;
