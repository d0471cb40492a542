/*
 * Out-of-line copies of DPDK's static inline functions.
 *
 * A call costs about 5 ticks: fine once per burst, too much once per packet. What runs per packet is
 * written in Rust in the crate `dpdk`; the copies marked "reference" exist so that its tests can
 * compare each of those with the original.
 */
#ifndef DPDK_SHIM_H
#define DPDK_SHIM_H

#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

int dpdk_shim_errno(void);
unsigned int dpdk_shim_lcore_id(void);
void dpdk_shim_log(uint32_t level, const char *text);

int dpdk_shim_mbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, unsigned int count);
void dpdk_shim_mbuf_free(struct rte_mbuf *mbuf);

unsigned int dpdk_shim_ring_enqueue_burst(struct rte_ring *ring, void *const *objects, unsigned int count);
unsigned int dpdk_shim_ring_dequeue_burst(struct rte_ring *ring, void **objects, unsigned int count);
unsigned int dpdk_shim_ring_count(const struct rte_ring *ring);
unsigned int dpdk_shim_ring_capacity(const struct rte_ring *ring);

/* Reference. */
uint16_t dpdk_shim_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
uint16_t dpdk_shim_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
char *dpdk_shim_mbuf_prepend(struct rte_mbuf *mbuf, uint16_t length);
char *dpdk_shim_mbuf_append(struct rte_mbuf *mbuf, uint16_t length);
char *dpdk_shim_mbuf_adj(struct rte_mbuf *mbuf, uint16_t length);
int dpdk_shim_mbuf_trim(struct rte_mbuf *mbuf, uint16_t length);
int dpdk_shim_mbuf_chain(struct rte_mbuf *head, struct rte_mbuf *tail);
void dpdk_shim_mbuf_reset(struct rte_mbuf *mbuf);
uint16_t dpdk_shim_mbuf_headroom(const struct rte_mbuf *mbuf);
int dpdk_shim_mbuf_is_contiguous(const struct rte_mbuf *mbuf);
char *dpdk_shim_mbuf_data(const struct rte_mbuf *mbuf);
const void *dpdk_shim_mbuf_read(const struct rte_mbuf *mbuf, uint32_t offset, uint32_t length, void *buffer);

#endif
