#!/usr/bin/env bash
# psql asks the store that run.sh serves; PGHOST and PGPORT say where.
set -uo pipefail

failures=0
ok() { printf 'ok %s\n' "$1"; }
failed() { # failed NAME EXPECTED FOUND
  printf 'FAILED %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
  failures=$((failures + 1))
}
equal() { if [ "$2" = "$3" ]; then ok "$1"; else failed "$1" "$2" "$3"; fi; }
contains() { # contains NAME PART TEXT
  case $3 in *"$2"*) ok "$1" ;; *) failed "$1" "...$2..." "$3" ;; esac
}
# Without the notices that tell versions of models.
ask() { psql -qAtX -v ON_ERROR_STOP=1 "$@" 2>&1 | sed '/^NOTICE:  model /d'; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

equal 'connects' 1 "$(ask -c 'SELECT 1')"
equal 'counts by stage' $'L|1\nP|1\nI|1\nA|2\nnone|1' "$(ask -c 'COUNT BY estee.stage')"
contains 'tells the version of a model' 'NOTICE:  model `aipl` version 1 (built in)' \
  "$(psql -qAtX -c 'COUNT BY estee.stage' 2>&1)"
equal 'counts with a variable as a number' $'1\n2' "$(
  ask -v days=7 <<<'COUNT WHERE estee DID buy IN LAST :days DAYS;'
  ask -v days=365 <<<'COUNT WHERE estee DID buy IN LAST :days DAYS;'
)"
equal 'counts with a variable as a string' 1 \
  "$(ask -v day=2017-10-02 <<<"COUNT WHERE estee DID buy AS OF :'day';")"
equal 'counts with a variable as a name' 1 \
  "$(ask -v brand=雅诗兰黛 <<<'COUNT WHERE :"brand".stage = P;')"
equal 'unicode brand' $'P|1\nI|1\nA|1\nnone|3' "$(ask -c 'COUNT BY "雅诗兰黛".stage')"
equal 'overlap' 'estee|雅诗兰黛|5|3|2' \
  "$(ask -c 'OVERLAP estee, "雅诗兰黛"' | cut -d'|' -f1-5)"
equal 'sum of money' 150.50 "$(ask -c 'SUM estee.spend IN LAST 30 DAYS')"
equal 'flow' 'P|L|1' "$(
  ask -c "COUNT BY estee.stage AS OF '2017-11-01', estee.stage AS OF '2017-11-05'" | grep '^P|L'
)"
equal 'several statements in one message' $'6\n2' "$(ask -c 'COUNT; COUNT WHERE estee DID buy')"

equal 'null is null' '<null>|6' \
  "$(ask -c 'CREATE ATTRIBUTE psql_tier INTEGER' && ask -P null='<null>' -c 'COUNT BY psql_tier')"

printf 'consumer,brand,behaviour,time\nu1,psql_brand,buy,2017-11-01\nu2,psql_brand,buy,2017-11-02\n' \
  >"$work/two.csv"
copy='\copy events (consumer, brand, behaviour, time) from'
equal 'copy in, csv' 'COPY 2' \
  "$(psql -AtX -c "$copy '$work/two.csv' with (format csv, header)" 2>&1)"
equal 'the copy is counted' 2 "$(ask -c 'COUNT WHERE psql_brand DID buy')"
printf 'u3\tpsql_brand\tbuy\t2017-11-03\n' | ask -c "$copy stdin"
equal 'copy in, text, is counted' 3 "$(ask -c 'COUNT WHERE psql_brand DID buy')"
bad=$(printf 'u4,psql_brand,buy,2017-11-03\nu5,psql_brand,buy,yesterday\n' |
  ask -c "$copy stdin with (format csv)")
contains 'a bad row says its line and column' 'line 2, column time: "yesterday"' "$bad"
equal 'a bad copy keeps nothing' 3 "$(ask -c 'COUNT WHERE psql_brand DID buy')"

wrong=$(ask -c 'COUNT WHERE "雅诗兰黛" DID favourite AND estee.stage = L')
contains 'a bad statement is an error' 'favourite' "$wrong"
contains 'a bad statement shows the place' \
  $'LINE 1: COUNT WHERE "雅诗兰黛" DID favourite AND estee.stage = L\n                                   ^' \
  "$wrong"
contains 'a bad statement has a hint' 'did you mean `favorite`?' "$wrong"
contains 'a bad statement has its SQLSTATE' 42704 \
  "$(ask -v VERBOSITY=verbose -c 'COUNT WHERE estee DID favourite')"
contains 'SQL is answered with a way out' 'docs/language.md' "$(ask -c 'SELECT * FROM events')"

equal 'a transaction' $'6\n6' "$(ask -c 'BEGIN' -c 'COUNT' -c 'COMMIT' -c 'COUNT')"
contains 'a failed transaction waits for its end' 'ROLLBACK' \
  "$(psql -qAtX -c BEGIN -c 'COUNT nonsense' -c 'COUNT' 2>&1)"
equal 'settings' '5s' "$(ask -c "SET statement_timeout = '5s'" -c 'SHOW statement_timeout')"
contains 'an audience is made' 'CREATE AUDIENCE' \
  "$(psql -AtX -c 'CREATE AUDIENCE psql_loyal AS estee.stage = L' 2>&1)"
equal 'an audience is matched' 'psql_loyal|t' \
  "$(ask -c "MATCH CONSUMER 'u1' AGAINST AUDIENCE psql_loyal")"
contains 'alters a model' 'NOTICE:  model `psql_model` has version 2 now' "$(psql -AtX \
  -c 'CREATE MODEL psql_model AS STAGE a WHEN DID buy' \
  -c 'ALTER MODEL psql_model AS STAGE a WHEN DID view' 2>&1)"
equal 'shows the versions of a model' $'1|f\n2|t' \
  "$(ask -c 'SHOW VERSIONS OF MODEL psql_model' | cut -d'|' -f1,3)"
contains 'explain' 'estee' "$(ask -c 'EXPLAIN COUNT WHERE estee.stage = L')"

[ "$failures" = 0 ]
