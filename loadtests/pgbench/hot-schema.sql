-- What everybody wants, in the inventory service's own tables, with more of it than can be sold.
INSERT INTO products (sku, name, price_minor, currency, version) VALUES ('SYN-00001', 'Synthetic product 1', 10, 'GBP', 1);
INSERT INTO stock (sku, available) VALUES ('SYN-00001', 1000000000);
