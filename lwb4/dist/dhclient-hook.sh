# Tells the lwB4 what dhclient learned: put it into /etc/dhcp/dhclient-exit-hooks.d/lwb4, and into
# dhclient6.conf:
#
#   option dhcp6.option-64 code 64 = string;
#   option dhcp6.option-86 code 86 = string;
#   option dhcp6.option-96 code 96 = string;
#   option dhcp6.option-111 code 111 = string;
#   also request dhcp6.option-64, dhcp6.option-86, dhcp6.option-96, dhcp6.option-111;
#
# dhclient-script sources this file, and its variables are not exported to programs by every shell.
case $reason in
    BOUND6 | RENEW6 | REBIND6 | EXPIRE6 | RELEASE6 | STOP6)
        export reason new_dhcp6_option_64 new_dhcp6_option_86 new_dhcp6_option_96 new_dhcp6_option_111 \
            new_dhcp6_name_servers new_max_life new_ip6_prefix
        lwb4 dhcp6-hook
        ;;
esac
