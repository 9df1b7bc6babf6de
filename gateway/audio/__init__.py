"""PCM audio: frames, codecs, buffers, tones, recording. No sockets, no asyncio."""
