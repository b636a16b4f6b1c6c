using MlNetIcl.Models.Native;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>The number of threads that torch computes an operation with: OpenMP counts for each thread that calls, MKL for the whole process.</summary>
internal static class TorchThreads
{
    private static readonly object Gate = new();
    private static int _users, _before;

    /// <summary>This thread went while others still worked with one, so that its one is not its own.</summary>
    [ThreadStatic]
    private static bool t_left;

    /// <summary>
    /// Works with one thread until the calling thread disposes of what it gets: more only get in each other's way on small tensors (on a busy machine
    /// they wait for each other twenty times as long as they work), and the last bits of sums depend on the number.
    /// </summary>
    public static IDisposable One()
    {
        NativeTorch.EnsureLoaded();
        lock (Gate)
        {
            if (_users++ == 0 && get_num_threads() is int threads && (threads != 1 || !t_left)) _before = threads;
            set_num_threads(1);
        }
        return new User();
    }

    /// <inheritdoc cref="One()"/>
    public static T One<T>(Func<T> work)
    {
        using var one = One();
        return work();
    }

    /// <inheritdoc cref="One()"/>
    public static void One(Action work)
    {
        using var one = One();
        work();
    }

    private sealed class User : IDisposable
    {
        private bool _gone;

        public void Dispose()
        {
            lock (Gate)
            {
                if (_gone) return;
                _gone = true;
                t_left = --_users > 0;
                if (!t_left) set_num_threads(_before);
            }
        }
    }
}
