using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace MlNetIcl.Models;

/// <summary>Checks of options.</summary>
internal static class Setting
{
    /// <summary>Refuses a value that is out of its range.</summary>
    /// <param name="holds">Whether it is in it.</param>
    /// <param name="value">The value.</param>
    /// <param name="range">The range, to be read behind 'Expected X to be'.</param>
    /// <param name="name">The option; by default what <paramref name="value"/> is called.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public static void Require(bool holds, object? value, string range, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (holds) return;
        name = name[(name.LastIndexOf('.') + 1)..];
        throw new ArgumentOutOfRangeException(name, value is ICollection ? null : value, $"Expected {name} to be {range}, got {Text(value)}.");
    }

    /// <summary>Whether each value is above the one before it.</summary>
    public static bool Ascends<T>(IReadOnlyList<T> values)
        where T : IComparable<T> => values.Zip(values.Skip(1), (a, b) => a.CompareTo(b) < 0).All(rises => rises);

    private static string Text(object? value) => value switch
    {
        null => "null",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string text => $"'{text}'",
        ICollection { Count: > 0 } list => string.Join(", ", list.Cast<object>().Take(8).Select(Text)) + (list.Count > 8 ? ", …" : ""),
        ICollection => "none",
        _ => value.ToString() ?? "",
    };
}
