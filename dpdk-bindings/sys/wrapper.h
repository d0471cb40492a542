/* The one header that bindgen reads: what the crate `dpdk` uses of DPDK, and nothing else. */

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_epoll.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "shim.h"

/*
 * Macros built from RTE_BIT64 or from casts are invisible to bindgen. As constants with a value they
 * are not, and the C compiler has the last word on that value.
 */
static const uint64_t DPDK_MBUF_RX_IP_CHECKSUM_MASK = RTE_MBUF_F_RX_IP_CKSUM_MASK;
static const uint64_t DPDK_MBUF_RX_IP_CHECKSUM_BAD = RTE_MBUF_F_RX_IP_CKSUM_BAD;
static const uint64_t DPDK_MBUF_RX_IP_CHECKSUM_GOOD = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
static const uint64_t DPDK_MBUF_RX_IP_CHECKSUM_NONE = RTE_MBUF_F_RX_IP_CKSUM_NONE;
static const uint64_t DPDK_MBUF_RX_L4_CHECKSUM_MASK = RTE_MBUF_F_RX_L4_CKSUM_MASK;
static const uint64_t DPDK_MBUF_RX_L4_CHECKSUM_BAD = RTE_MBUF_F_RX_L4_CKSUM_BAD;
static const uint64_t DPDK_MBUF_RX_L4_CHECKSUM_GOOD = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
static const uint64_t DPDK_MBUF_RX_L4_CHECKSUM_NONE = RTE_MBUF_F_RX_L4_CKSUM_NONE;
static const uint64_t DPDK_MBUF_RX_VLAN_STRIPPED = RTE_MBUF_F_RX_VLAN_STRIPPED;
static const uint64_t DPDK_MBUF_TX_VLAN = RTE_MBUF_F_TX_VLAN;
static const uint64_t DPDK_MBUF_TX_IP_CHECKSUM = RTE_MBUF_F_TX_IP_CKSUM;
static const uint64_t DPDK_MBUF_TX_IPV4 = RTE_MBUF_F_TX_IPV4;
static const uint64_t DPDK_MBUF_EXTERNAL = RTE_MBUF_F_EXTERNAL;
static const uint64_t DPDK_MBUF_INDIRECT = RTE_MBUF_F_INDIRECT;
static const uint32_t DPDK_MBUF_L2_LENGTH_BITS = RTE_MBUF_L2_LEN_BITS;
static const uint32_t DPDK_MBUF_L3_LENGTH_BITS = RTE_MBUF_L3_LEN_BITS;

static const uint64_t DPDK_RX_OFFLOAD_VLAN_STRIP = RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
static const uint64_t DPDK_RX_OFFLOAD_IPV4_CHECKSUM = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
static const uint64_t DPDK_RX_OFFLOAD_UDP_CHECKSUM = RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
static const uint64_t DPDK_RX_OFFLOAD_TCP_CHECKSUM = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
static const uint64_t DPDK_RX_OFFLOAD_LRO = RTE_ETH_RX_OFFLOAD_TCP_LRO;
static const uint64_t DPDK_RX_OFFLOAD_SCATTER = RTE_ETH_RX_OFFLOAD_SCATTER;
static const uint64_t DPDK_TX_OFFLOAD_VLAN_INSERT = RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
static const uint64_t DPDK_TX_OFFLOAD_IPV4_CHECKSUM = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
static const uint64_t DPDK_TX_OFFLOAD_MULTI_SEGMENT = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

static const uint64_t DPDK_RSS_IPV4 = RTE_ETH_RSS_IPV4;
static const uint64_t DPDK_RSS_IPV4_FRAGMENT = RTE_ETH_RSS_FRAG_IPV4;
static const uint64_t DPDK_RSS_IPV4_OTHER = RTE_ETH_RSS_NONFRAG_IPV4_OTHER;
static const uint64_t DPDK_RSS_IPV6 = RTE_ETH_RSS_IPV6;
static const uint64_t DPDK_RSS_IPV6_FRAGMENT = RTE_ETH_RSS_FRAG_IPV6;
static const uint64_t DPDK_RSS_IPV6_OTHER = RTE_ETH_RSS_NONFRAG_IPV6_OTHER;
static const uint64_t DPDK_RSS_IPV4_TCP = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
static const uint64_t DPDK_RSS_IPV4_UDP = RTE_ETH_RSS_NONFRAG_IPV4_UDP;
static const uint64_t DPDK_RSS_IPV6_TCP = RTE_ETH_RSS_NONFRAG_IPV6_TCP;
static const uint64_t DPDK_RSS_IPV6_UDP = RTE_ETH_RSS_NONFRAG_IPV6_UDP;

static const uint32_t DPDK_DEVICE_FLAG_LINK_INTERRUPT = RTE_ETH_DEV_INTR_LSC;
static const uint32_t DPDK_DEVICE_FLAG_REMOVAL_INTERRUPT = RTE_ETH_DEV_INTR_RMV;
static const int32_t DPDK_RING_SINGLE_CONSUMER = RING_F_SC_DEQ;
static const int32_t DPDK_RING_EXACT_SIZE = RING_F_EXACT_SZ;
