#!/bin/bash -eu
for level in o1 o2 o3; do
  time ./build/default/bench --model "$level" > "bench-$level.txt" &
done
wait
awk 'NR > 1 { print $1, "npx" }' bench-*.txt | sort | column -t
