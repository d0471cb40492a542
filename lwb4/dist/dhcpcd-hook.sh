# Tells the lwB4 what dhcpcd learned: put it into /lib/dhcpcd/dhcpcd-hooks/60-lwb4, and into dhcpcd.conf:
#
#   define6 64 binhex option_64
#   define6 86 binhex option_86
#   define6 96 binhex option_96
#   define6 111 binhex option_111
#   option dhcp6_option_64, dhcp6_option_86, dhcp6_option_96, dhcp6_option_111
#
# dhcpcd tells no lifetime in one variable: what it says holds until it says something else.
case $reason in
    BOUND6 | RENEW6 | REBIND6 | INFORM6 | EXPIRE6 | RELEASE6 | STOP6)
        lwb4 dhcp6-hook
        ;;
esac
