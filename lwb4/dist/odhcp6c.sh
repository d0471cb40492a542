#!/bin/sh
# Tells the lwB4 what odhcp6c learned. Run it from odhcp6c's script, or as one:
#   odhcp6c -r 64,86,96,111,23 -P 56 -s /usr/lib/lwb4/odhcp6c.sh wan
# odhcp6c gives the interface and the state as arguments, and all it has in the environment. It says
# nothing of a container with a BR alone (option 96 without 92): name the lwAFTR in the configuration then.
exec lwb4 dhcp6-hook --state "$2"
