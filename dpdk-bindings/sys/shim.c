/* See shim.h. */

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "shim.h"

int dpdk_shim_errno(void)
{
	return rte_errno;
}

unsigned int dpdk_shim_lcore_id(void)
{
	return rte_lcore_id();
}

void dpdk_shim_log(uint32_t level, const char *text)
{
	rte_log(level, RTE_LOGTYPE_USER1, "%s\n", text);
}

int dpdk_shim_mbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, unsigned int count)
{
	return rte_pktmbuf_alloc_bulk(pool, mbufs, count);
}

void dpdk_shim_mbuf_free(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

unsigned int dpdk_shim_ring_enqueue_burst(struct rte_ring *ring, void *const *objects, unsigned int count)
{
	return rte_ring_enqueue_burst(ring, objects, count, NULL);
}

unsigned int dpdk_shim_ring_dequeue_burst(struct rte_ring *ring, void **objects, unsigned int count)
{
	return rte_ring_dequeue_burst(ring, objects, count, NULL);
}

unsigned int dpdk_shim_ring_count(const struct rte_ring *ring)
{
	return rte_ring_count(ring);
}

unsigned int dpdk_shim_ring_capacity(const struct rte_ring *ring)
{
	return rte_ring_get_capacity(ring);
}

uint16_t dpdk_shim_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_rx_burst(port, queue, mbufs, count);
}

uint16_t dpdk_shim_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_eth_tx_burst(port, queue, mbufs, count);
}

char *dpdk_shim_mbuf_prepend(struct rte_mbuf *mbuf, uint16_t length)
{
	return rte_pktmbuf_prepend(mbuf, length);
}

char *dpdk_shim_mbuf_append(struct rte_mbuf *mbuf, uint16_t length)
{
	return rte_pktmbuf_append(mbuf, length);
}

char *dpdk_shim_mbuf_adj(struct rte_mbuf *mbuf, uint16_t length)
{
	return rte_pktmbuf_adj(mbuf, length);
}

int dpdk_shim_mbuf_trim(struct rte_mbuf *mbuf, uint16_t length)
{
	return rte_pktmbuf_trim(mbuf, length);
}

int dpdk_shim_mbuf_chain(struct rte_mbuf *head, struct rte_mbuf *tail)
{
	return rte_pktmbuf_chain(head, tail);
}

void dpdk_shim_mbuf_reset(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_reset(mbuf);
}

uint16_t dpdk_shim_mbuf_headroom(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_headroom(mbuf);
}

int dpdk_shim_mbuf_is_contiguous(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_is_contiguous(mbuf);
}

char *dpdk_shim_mbuf_data(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, char *);
}

const void *dpdk_shim_mbuf_read(const struct rte_mbuf *mbuf, uint32_t offset, uint32_t length, void *buffer)
{
	return rte_pktmbuf_read(mbuf, offset, length, buffer);
}
