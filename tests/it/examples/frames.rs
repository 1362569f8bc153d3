//! HTTP/2 frames, written by hand: clients do not send these.

/// What a client says first: the preface, and settings.
pub(super) const START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

pub(super) const END_HEADERS: u8 = 4;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const CONTINUATION: u8 = 9;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `POST /` with further headers, as literals that are not indexed.
pub(super) fn post(headers: &[(&str, &str)]) -> Vec<u8> {
    // :method POST, :scheme http, :path /
    let mut block = vec![0x83, 0x86, 0x84];
    for (name, value) in [(":authority", "localhost")].iter().chain(headers) {
        block.push(0);
        for text in [name, value] {
            let length = u8::try_from(text.len()).unwrap();
            assert!(length < 127, "needs more than one byte");
            block.push(length);
            block.extend(text.as_bytes());
        }
    }
    block
}
