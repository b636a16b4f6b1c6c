using System.Buffers;
using System.Text;

namespace MlNetIcl.Models.Onnx;

/// <summary>Writes a protobuf message as a list of pieces, of which those taken from a file are not copied.</summary>
internal sealed class WireWriter
{
    private readonly List<ReadOnlyMemory<byte>> _pieces = [];
    private readonly ArrayBufferWriter<byte> _own = new();
    private int _taken;

    /// <summary>Bytes written so far.</summary>
    public long Length { get; private set; }

    public WireWriter Integer(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public WireWriter Float(int field, float value)
    {
        Varint(((ulong)field << 3) | (int)WireType.Fixed32);
        Span<byte> bytes = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        Own(bytes);
        return this;
    }

    public WireWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public WireWriter Bytes(int field, ReadOnlyMemory<byte> value)
    {
        Header(field, value.Length);
        return Raw(value);
    }

    public WireWriter Message(int field, WireWriter message)
    {
        message.Close();
        Header(field, message.Length);
        Close();
        _pieces.AddRange(message._pieces);
        Length += message.Length;
        return this;
    }

    /// <summary>Appends whole fields as they are.</summary>
    public WireWriter Raw(ReadOnlyMemory<byte> fields)
    {
        Close();
        _pieces.Add(fields);
        Length += fields.Length;
        return this;
    }

    public void CopyTo(Stream stream)
    {
        Close();
        foreach (var piece in _pieces) stream.Write(piece.Span);
    }

    /// <exception cref="UnsupportedModelException">The message is longer than an array can be.</exception>
    public byte[] ToArray()
    {
        if (Length > Array.MaxLength) throw new UnsupportedModelException($"A message of {Length} bytes is longer than the 2 GB of the format.");
        Close();
        byte[] bytes = new byte[Length];
        int at = 0;
        foreach (var piece in _pieces)
        {
            piece.Span.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        }
        return bytes;
    }

    private void Header(int field, long length)
    {
        Varint(((ulong)field << 3) | (int)WireType.Bytes);
        Varint((ulong)length);
    }

    private void Varint(ulong value)
    {
        Span<byte> bytes = stackalloc byte[10];
        int count = 0;
        do bytes[count++] = (byte)(value > 0x7f ? (value & 0x7f) | 0x80 : value);
        while ((value >>= 7) != 0);
        Own(bytes[..count]);
    }

    private void Own(ReadOnlySpan<byte> bytes)
    {
        _own.Write(bytes);
        Length += bytes.Length;
    }

    /// <summary>Makes a piece of what was written since the last one.</summary>
    private void Close()
    {
        if (_own.WrittenCount == _taken) return;
        _pieces.Add(_own.WrittenSpan[_taken..].ToArray());
        _taken = _own.WrittenCount;
    }
}
