\set consumer random(0, 999999)
CONSUMER ':consumer' FOR brand_0100;
