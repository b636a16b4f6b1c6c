using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The number of threads that torch computes an operation with, which is the whole process's.</summary>
internal static class TorchThreads
{
    private static readonly object Gate = new();
    private static int _users, _before;

    /// <summary>
    /// Works with one thread: more only get in each other's way on small tensors (on a busy machine they wait for each other twenty times as long as they
    /// work), and the last bits of sums depend on the number.
    /// </summary>
    public static T One<T>(Func<T> work)
    {
        NativeTorch.EnsureLoaded();
        lock (Gate)
        {
            if (_users++ == 0) _before = get_num_threads();
            set_num_threads(1); // OpenMP counts for each thread that calls: whoever comes second has a number of its own
        }
        try
        {
            return work();
        }
        finally
        {
            lock (Gate)
                if (--_users == 0) set_num_threads(_before);
        }
    }

    /// <inheritdoc cref="One{T}(Func{T})"/>
    public static void One(Action work) => One(() =>
    {
        work();
        return true;
    });
}
