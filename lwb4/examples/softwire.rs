//! One end of a softwire without NAT and without provisioning: what the TUN device and the raw socket cost.
//!
//! `softwire OWN REMOTE TUN INNER REMOTE_INNER MTU NETWORK…`, such as
//! `softwire 2001:db8::b4 2001:db8::af lw0 192.0.0.2 192.0.0.1 1500 0.0.0.0/0`; it runs until it is killed.

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::os::fd::AsFd;

use lwb4::device::netlink::Netlink;
use lwb4::device::netlink::route::Network;
use lwb4::device::softwire::Burst;
use lwb4::device::softwire::Softwire;
use lwb4::device::tun;
use lwb4::device::tun::Tun;
use lwb4::tunnel::OVERHEAD;
use lwb4::tunnel::coalesce::Coalescer;
use lwb4::tunnel::downstream::Downstream;
use lwb4::tunnel::ecn::DscpModel;
use lwb4::tunnel::mss::MssClamp;
use lwb4::tunnel::segment;
use lwb4::tunnel::upstream::Upstream;
use nix::poll::PollFd;
use nix::poll::PollFlags;
use nix::poll::PollTimeout;
use nix::poll::poll;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [own, remote, name, inner, remote_inner, mtu, networks @ ..] = &arguments[..] else {
        return Err("OWN REMOTE TUN INNER REMOTE_INNER MTU NETWORK…".into());
    };
    let (own, lwaftr): (Ipv6Addr, Ipv6Addr) = (own.parse()?, remote.parse()?);
    let (inner, remote_inner): (Ipv4Addr, Ipv4Addr) = (inner.parse()?, remote_inner.parse()?);
    let mtu: u16 = mtu.parse()?;
    let tun = Tun::create(name)?;
    let mut netlink = Netlink::open()?;
    netlink.bring_up(tun.index(), mtu)?;
    netlink.add_inner_address(tun.index(), inner)?;
    for network in networks {
        let (address, prefix_len) = network.split_once('/').ok_or("a network has a prefix")?;
        let (address, prefix_len) = (address.parse()?, prefix_len.parse()?);
        netlink.add_route(
            tun.index(),
            Network {
                address,
                prefix_len,
            },
            100,
        )?;
    }
    let mut socket = Softwire::open(own, lwaftr, 64)?;
    socket.set_path_mtu(mtu + OVERHEAD);
    let up = Upstream {
        inner,
        remote_inner,
        mss_clamp: MssClamp::Auto,
    };
    let dscp = DscpModel::Uniform;
    let down = Downstream {
        lwaftr,
        inner,
        remote_inner,
        mss_clamp: MssClamp::Auto,
        dscp,
    };
    let (mut room, mut burst) = (vec![vec![0; tun::BUFFER]; READS], Burst::new());
    loop {
        let mut ready = [
            PollFd::new(tun.as_fd(), PollFlags::POLLIN),
            PollFd::new(socket.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut ready, PollTimeout::NONE)?;
        let [tun_is_ready, socket_is_ready] = ready.map(|fd| fd.any() == Some(true));
        if tun_is_ready {
            send(&tun, &mut socket, &up, mtu, &mut room)?;
        }
        if socket_is_ready {
            receive(&tun, &mut socket, &down, mtu, &mut burst)?;
        }
    }
}

fn send(
    tun: &Tun,
    socket: &mut Softwire,
    up: &Upstream,
    mtu: u16,
    room: &mut [Vec<u8>],
) -> Result<(), Box<dyn Error>> {
    let mut segments = Vec::with_capacity(READS * 48);
    for buffer in room {
        let Some(packet) = tun.read(buffer)? else {
            break;
        };
        let Ok(packet) = packet else {
            continue;
        };
        if let Ok(admitted) = up.admit(&mut buffer[..packet.len], packet.offload, mtu) {
            let packet = &buffer[..admitted.len];
            segments.extend(
                segment::split(packet, admitted.offload, DscpModel::Uniform)
                    .into_iter()
                    .flatten(),
            );
        }
    }
    socket.send(&segments);
    Ok(())
}

fn receive(
    tun: &Tun,
    socket: &mut Softwire,
    down: &Downstream,
    mtu: u16,
    burst: &mut Burst,
) -> Result<(), Box<dyn Error>> {
    socket.receive(burst)?;
    let mut coalescer = Coalescer::new();
    for (received, packet) in burst.packets() {
        if let Ok(accepted) = down.accept(packet, received.from, received.traffic_class, mtu) {
            coalescer.push(&packet[..accepted.len], accepted.offload);
        }
    }
    // What the kernel finds wrong is that packet's fault.
    coalescer.finish(|bundle| drop(tun.write(&bundle)));
    Ok(())
}

/// Packets that are read before they are sent.
const READS: usize = 16;
