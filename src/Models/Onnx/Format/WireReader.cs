using System.Buffers.Binary;

namespace MlNetIcl.Models.Onnx;

/// <summary>How the value of a protobuf field is written.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>Reads the fields of one protobuf message, one after the other. Nothing is copied; a length is checked before it is used.</summary>
internal struct WireReader(ReadOnlyMemory<byte> message, string file)
{
    private int _at;
    private int _start;

    /// <summary>Number of the field that was read last.</summary>
    public int Number { get; private set; }

    public WireType Type { get; private set; }

    /// <summary>The field's value, unless it is <see cref="Bytes"/>.</summary>
    public ulong Value { get; private set; }

    /// <summary>Content of a message, string, packed list or byte field.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>The field as it stands in the file, tag included.</summary>
    public readonly ReadOnlyMemory<byte> Raw => message[_start.._at];

    /// <summary>Goes to the next field.</summary>
    /// <exception cref="ModelFormatException">What follows is no field.</exception>
    public bool Next()
    {
        if (_at == message.Length) return false;
        _start = _at;
        var bytes = message.Span;
        ulong tag = Varint(bytes);
        if (tag >> 3 is 0 or > 536_870_911) throw Damaged($"field number {tag >> 3}");
        (Number, Type, Value, Bytes) = ((int)(tag >> 3), (WireType)(tag & 7), 0, default);
        switch (Type)
        {
            case WireType.Varint: Value = Varint(bytes); break;
            case WireType.Fixed64: Value = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(Take(8), 8)); break;
            case WireType.Fixed32: Value = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(Take(4), 4)); break;
            case WireType.Bytes:
                ulong length = Varint(bytes);
                int from = Take(length);
                Bytes = message.Slice(from, (int)length);
                break;
            default: throw Damaged($"wire type {tag & 7}");
        }
        return true;
    }

    /// <summary>The bytes of a field that must have some.</summary>
    public readonly ReadOnlyMemory<byte> RequireBytes() => Type == WireType.Bytes ? Bytes : throw Damaged($"field {Number} is a number where text or a message is expected");

    /// <summary>The number of a field that must be one.</summary>
    public readonly long RequireInteger() => Type == WireType.Varint ? (long)Value : throw Damaged($"field {Number} is no whole number");

    /// <summary>Calls back for each of the whole numbers of a field that repeats, packed or not.</summary>
    public readonly void AddIntegers(List<long> to, int most)
    {
        if (Type == WireType.Varint)
        {
            to.Add((long)Value);
        }
        else
        {
            var packed = new WireReader(RequireBytes(), file);
            var bytes = packed.Message.Span;
            while (packed._at < bytes.Length && to.Count <= most) to.Add((long)packed.Varint(bytes));
        }
        if (to.Count > most) throw Damaged($"more than {most} numbers in field {Number}");
    }

    /// <summary>How many numbers a field of a repeated scalar holds; <paramref name="width"/> is that of one packed, 0 for varints.</summary>
    public readonly long CountScalars(int width)
    {
        if (Type != WireType.Bytes) return 1;
        if (width > 0) return Bytes.Length % width == 0 ? Bytes.Length / width : throw Damaged($"{Bytes.Length} bytes of numbers with {width} bytes each");
        long count = 0;
        foreach (byte b in Bytes.Span)
            if (b < 0x80) count++;
        return count;
    }

    private readonly ReadOnlyMemory<byte> Message => message;

    private int Take(ulong count)
    {
        int from = _at;
        if (count > (ulong)(message.Length - from)) throw Damaged($"{count} bytes are announced and {message.Length - from} are left");
        _at += (int)count;
        return from;
    }

    private ulong Varint(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (_at == bytes.Length) throw Damaged("a number is cut off");
            byte next = bytes[_at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        throw Damaged("a number is longer than 10 bytes");
    }

    private readonly ModelFormatException Damaged(string what) => new($"'{file}' is no ONNX model, or damaged: {what}.");
}
