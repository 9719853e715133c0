\set consumer random(0, 999999)
\set brand random(900, 999)
\set back random(1, 300)
\set kind random(1, 10)
\if :kind <= 6
CONSUMER ':consumer' FOR brand_0001;
\elif :kind <= 8
COUNT WHERE brand_0:brand DID cart IN LAST :back DAYS;
\else
COUNT WHERE brand_0:brand.stage = I AND NOT brand_0950 DID buy IN LAST :back DAYS;
\endif
