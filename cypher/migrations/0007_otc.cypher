// Keys of what was detected, of the sizes of transfers, and of how far they were looked at.

CREATE CONSTRAINT detection_id IF NOT EXISTS FOR (n:Detection) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT size_day_id IF NOT EXISTS FOR (n:SizeDay) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT detector_id IF NOT EXISTS FOR (n:Detector) REQUIRE n.id IS UNIQUE;
CREATE INDEX detection_order_key IF NOT EXISTS FOR (n:Detection) ON (n.order_key);
