"""Reads what a response says."""

import struct


class Reader:
    """Reads a response's fields, one after the other."""

    def __init__(self, frame, flexible=False):
        self.frame, self.at, self.flexible = frame, 4, flexible
        if flexible:
            self.tags()

    def take(self, form):
        value = struct.unpack_from(">" + form, self.frame, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def tags(self):
        for _ in range(self.varint()):
            self.varint()
            self.at += self.varint()

    def text(self):
        length = self.varint() - 1 if self.flexible else self.take("h")
        if length < 0:
            return None
        self.at += length
        return self.frame[self.at - length : self.at].decode()

    def data(self):
        """Bytes of a flexible version."""
        length = self.varint() - 1
        if length < 0:
            return None
        self.at += length
        return self.frame[self.at - length : self.at]

    def rows(self, read):
        count = self.varint() - 1 if self.flexible else self.take("i")
        found = []
        for _ in range(count):
            found.append(read(self))
            if self.flexible:
                self.tags()
        return found
